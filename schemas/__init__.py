"""The contracts: what rows look like between two stages, and the words used about them.

Nothing here reads, writes or imports anything of ours; the engine and the assets
import from here.
"""
