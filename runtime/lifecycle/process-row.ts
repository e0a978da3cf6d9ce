// One line of `ps -ef`, from the files of a process (proc_pid_stat(5), proc_pid_status(5)).

export interface ProcessRow {
  user: string;
  pid: string;
  parent: string;
  /** Share of one CPU since its start, in percent, 99 at most. */
  share: string;
  started: string;
  terminal: string;
  time: string;
  command: string;
}

export interface MachineTimes {
  /** When the machine was booted, in seconds since 1970. */
  bootSeconds: number;
  nowMs: number;
}

export interface ProcessFiles {
  stat: string;
  status: string;
  /** Arguments, each with a NUL after it. */
  commandLine: string;
  /** Names of users by their ids. */
  names: ReadonlyMap<string, string>;
  times: MachineTimes;
}

/** Clock ticks of /proc a second: the same on every architecture that we know (USER_HZ). */
const TICKS = 100;

export function processRow(files: ProcessFiles): ProcessRow {
  const { stat, status, commandLine, names, times } = files;
  // The name in the parentheses may hold any character; the fields begin after the last one.
  const end = stat.lastIndexOf(")");
  const name = stat.slice(stat.indexOf("(") + 1, end);
  const field = (number: number): string => stat.slice(end + 2).split(" ")[number - 3] ?? "";
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1] ?? "?";
  const usedSeconds = (Number(field(14)) + Number(field(15))) / TICKS;
  const startedSeconds = times.bootSeconds + Number(field(22)) / TICKS;
  const words = commandLine.replace(/\0+$/, "").replaceAll("\0", " ");
  return {
    user: shortName(names.get(uid) ?? uid),
    pid: stat.slice(0, stat.indexOf(" ")),
    parent: field(4),
    share: `${shareOf(usedSeconds, times.nowMs / 1000 - startedSeconds)}`,
    started: startText(new Date(startedSeconds * 1000), new Date(times.nowMs)),
    terminal: terminalName(Number(field(7))),
    time: timeText(Math.floor(usedSeconds)),
    command: words === "" ? `[${name}]${field(3) === "Z" ? " <defunct>" : ""}` : words,
  };
}

const NAME_MAX = 8;

/** The column's width is for names of 8 letters; of a longer one ps shows that there is more. */
function shortName(name: string): string {
  return name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}+` : name;
}

function shareOf(usedSeconds: number, lifeSeconds: number): number {
  return lifeSeconds < 1 ? 0 : Math.min(Math.floor((usedSeconds * 100) / lifeSeconds), 99);
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** The time of a start today, the day of one this year, and the year of others. */
function startText(start: Date, now: Date): string {
  if (start.getFullYear() !== now.getFullYear()) return `${start.getFullYear()}`;
  if (start.getMonth() === now.getMonth() && start.getDate() === now.getDate()) {
    return `${two(start.getHours())}:${two(start.getMinutes())}`;
  }
  return `${MONTHS[start.getMonth()]}${two(start.getDate())}`;
}

/** tty_nr holds major and minor number (proc_pid_stat(5)); 136 to 143 are pseudo-terminals. */
function terminalName(number: number): string {
  const major = (number >> 8) & 0xfff;
  const minor = (number & 0xff) | ((number >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return "?";
}

function timeText(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const text = [hours, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return days === 0 ? text : `${two(days)}-${text}`;
}

function two(number: number): string {
  return `${number}`.padStart(2, "0");
}
