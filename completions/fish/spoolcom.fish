# Words that the program knows are asked of it.
function __spoolcom_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q spoolcom; and command spoolcom --complete fish $before "$current" 2>/dev/null
end
complete -c spoolcom -l in -d 'Read commands from FILE, one line after the other; - is standard input' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l out -d 'Add displays to FILE instead of standard output' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l spooler -d 'Use this spool: its base directory, or $NAME of a file of spoolers' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l check -d 'Say of each command of a site\'s command file, or entry of its FASTCNFG file, whether it runs here; without a spool; - is standard input' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l from-cups -d 'Write the command file that recreates the raw queues of the CUPS configuration in DIR, and what it cannot carry over' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l queues -d 'With --from-cups: only these queues, separated by commas; * stands for anything' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l since -d 'LOG shows what happened since then: 14:30, 2026-11-21 14:30, CRASH' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l wait -d 'DEV, DRAIN gives up when nothing has moved for so long; 60 if not given' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l state -d 'Only jobs in this state: open, ready, print, transfer, hold' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l owner -d 'Only jobs of this user' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l loc -d 'Only jobs for this location' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l form -d 'Only jobs with this form name' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l report -d 'Only jobs with this report name' -r -f -a '(__spoolcom_asked)'
complete -c spoolcom -l json -d 'Displays are JSON'
complete -c spoolcom -l foreground -d 'SPOOLER, START stays and keeps the print processes as its children until SIGTERM; for systemd, containers and cron'
complete -c spoolcom -l dump-config -d 'Write the configuration of the spool as a command file that makes it in an empty one'
complete -c spoolcom -l nagios -d 'CHECK answers as a Nagios plug-in does: one line; 0 OK, 1 warning, 2 critical, 3 unknown'
complete -c spoolcom -l metrics -d 'CHECK answers with Prometheus text'
complete -c spoolcom -l undo -d 'LOG shows the commands that undo what was changed'
complete -c spoolcom -l follow -d 'LOG goes on as more happens, until Ctrl-C; also DEV x, LOG and JOB n, LOG'
complete -c spoolcom -l test-page -d 'ADD prints a page that says what it is, like its word TEST'
complete -c spoolcom -l no-wait -d 'DEV, DRAIN does not wait until the device is offline'
complete -c spoolcom -s h -l help -d 'Print help'
complete -c spoolcom -s V -l version -d 'Print version'
complete -c spoolcom -f -a '(__spoolcom_asked)'
