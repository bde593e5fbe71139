"""HTML and Markdown pages from templates, escaped, that load nothing."""
