"""Measure any network: these functions take any nn.Module, return numbers and never draw."""
