"""The stations a bar passes: plain functions of numbers; a station imports only earlier ones."""
