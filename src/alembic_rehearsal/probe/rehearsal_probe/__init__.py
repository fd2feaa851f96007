"""What `sitecustomize` installs in every Python process of a rehearsed command."""
