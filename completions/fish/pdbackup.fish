complete -c pdbackup -l restore -d 'Put the backup in the place of the spool'
complete -c pdbackup -l json -d 'Show what was done as JSON'
complete -c pdbackup -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdbackup -s V -l version -d 'Print version'
