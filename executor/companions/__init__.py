"""Companions: containers beside the application in one attempt, such as its database.

lifetime.py starts them before what attempt/ runs, and ends them after it. All share one network
namespace. Imported only if the commit has companions. Runs on the attempt's thread.
"""
