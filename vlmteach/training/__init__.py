"""The training loop; it knows no views."""
