complete -c spoollp -s h -l help -d 'Print help'
complete -c spoollp -s V -l version -d 'Print version'
