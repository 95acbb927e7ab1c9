"""tests/drive.py [-w COLUMNS] [-t SECONDS] [-e NAME=VALUE]... [SAY...] -- COMMAND... - run a command at a terminal of its own.

SAY is a pair PATTERN TEXT: once the output since the last answer, without colours, matches PATTERN, TEXT is typed:
\\n is the return key, \\c an interrupt (Ctrl-C), \\d the end of input (Ctrl-D), \\k SIGKILL to the command. Prints all
that came, as it came; exits as the command did, 128 + N for a signal, 124 where the time was over or a pattern never came."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")


def options(argv):
    width, seconds, env, words = 80, 30.0, {"TERM": "xterm"}, []
    while argv and argv[0] != "--":
        if argv[0] in ("-w", "-t", "-e"):
            name, value = argv[0], argv[1]
            argv = argv[2:]
            if name == "-w":
                width = int(value)
            elif name == "-t":
                seconds = float(value)
            else:
                env.update([value.split("=", 1)])
        else:
            words.append(argv[0])
            argv = argv[1:]
    return width, seconds, env, list(zip(words[::2], words[1::2])), argv[1:]


def type_in(fd, pid, text):
    for piece in re.split(r"(\\[ncdk])", text):
        if piece == "\\k":
            os.kill(pid, signal.SIGKILL)
        else:
            os.write(fd, {"\\n": b"\n", "\\c": b"\x03", "\\d": b"\x04"}.get(piece, piece.encode()))


def main():
    width, seconds, env, says, command = options(sys.argv[1:])
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.pop("NO_COLOR", None)
        os.environ.update(env)
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    seen, mark, until = b"", 0, time.monotonic() + seconds
    while time.monotonic() < until:
        if says and re.search(says[0][0], COLOUR.sub("", seen[mark:].decode("utf-8", "replace")), re.S):
            mark = len(seen)
            type_in(fd, pid, says.pop(0)[1])
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:
            piece = b""
        if not piece:
            break
        seen += piece
    else:
        os.kill(pid, signal.SIGKILL)
        says = says or [("the end", "")]
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stdout.buffer.write(seen.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    if says:
        print(f"\ndrive: never came: {says[0][0]}")
        sys.exit(124)
    sys.exit(status if status >= 0 else 128 - status)


main()
