"""How do shares follow the quality that players report, within the bounds that the operator sets?"""
