complete -c pdpam -l directory -d 'The directory of the service\'s file instead of /etc/pam.d' -r -f -a "(__fish_complete_directories)"
complete -c pdpam -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpam -s V -l version -d 'Print version'
