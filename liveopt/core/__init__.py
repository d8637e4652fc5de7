"""The stations a bar passes, as plain functions of plain numbers; a station imports only earlier ones."""
