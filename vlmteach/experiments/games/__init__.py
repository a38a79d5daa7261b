"""What several experiments share: in a picture one cell is marked, and a colour some way off must be named there."""
