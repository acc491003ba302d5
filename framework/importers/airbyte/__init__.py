"""Airbyte's declarative manifests read and said in the words of a connector file."""
