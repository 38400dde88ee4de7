import subprocess
import sys

subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], start_new_session=True)


def FUNCTION(*arguments, **options):
    return None
