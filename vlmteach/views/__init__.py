"""Pictures of numbers: pure draw functions, controls and the explorer. Nothing here computes a model quantity."""
