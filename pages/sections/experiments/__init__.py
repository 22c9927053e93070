"""Parts of the page Experiments: any recorded measurement as a chart, a table and a command."""
