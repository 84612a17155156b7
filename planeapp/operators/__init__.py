"""The operator's side: health, command line, the demo. A door like the web pages: it may use every room."""
