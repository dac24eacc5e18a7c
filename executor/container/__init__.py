"""Containers of previews: started, watched, followed and ended, with their network and volumes.

Starting and ending run on the attempt's thread; watches have threads of their own.
"""
