complete -c spoolwatch -l spooler -d 'Watch this spool: its base directory, or HOST:PORT of a server; the usual one if not given' -r
complete -c spoolwatch -s h -l help -d 'Print help'
complete -c spoolwatch -s V -l version -d 'Print version'
