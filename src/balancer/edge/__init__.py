"""What do bytes on a connection mean?"""
