"""What a process of a test begins with to kill itself at a point: a function of ours, called or returning."""

BEGIN = """
import os, signal, sys, threading
from pathlib import Path
from etl_customers.settings import Company, Home, Settings
from etl_customers.target.connect import connect
from etl_customers.workshop import Workshop
home, url, module, function, event, *arguments = sys.argv[1:]
def kill(frame, happened, _):
    code = frame.f_code
    if code.co_name == function and happened == event and Path(code.co_filename).stem == module:
        os.kill(os.getpid(), signal.SIGKILL)
workshop = Workshop(Home(Path(home)).make(), Settings(company=Company(country="AU")), connect(url))
sys.setprofile(kill)
threading.setprofile(kill)
"""
"""Takes home, URL of the target, module, function and ``call`` or ``return``; the rest is in ``arguments``."""
