complete -c pdcrdflt -s c -d 'Make the queue SERVER-default-queue too, which assigns jobs to destinations'
complete -c pdcrdflt -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdcrdflt -s V -l version -d 'Print version'
