complete -c fastp -l base -d 'The base directory of the spool' -r -f -a "(__fish_complete_directories)"
complete -c fastp -l process -d 'The print process, with or without its \'$\'' -r
complete -c fastp -l idle -d 'Go dormant after this many seconds without work' -r
complete -c fastp -l check -d 'Check a FASTCNFG file, or that of the spool, and exit' -r -F
complete -c fastp -l shorten-log -d 'Shorten the log of the database if it is long, and end: for a command whose user does not wait for that'
complete -c fastp -l deliver -d 'Deliver the notifications that wait, and end: nobody who makes one waits for that'
complete -c fastp -s h -l help -d 'Print help (see more with \'--help\')'
complete -c fastp -s V -l version -d 'Print version'
