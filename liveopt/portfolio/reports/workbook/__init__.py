"""optimization_summary_<ts>.xlsx: the whole run in sheets, with charts that Excel draws itself."""
