"""What can the operator see?"""
