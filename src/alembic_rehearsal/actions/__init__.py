"""What the GitHub Action adds to the command line: inputs, the project's environment, outputs."""
