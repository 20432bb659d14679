complete -c pdmsg -l all -d 'Every message'
complete -c pdmsg -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdmsg -s V -l version -d 'Print version'
