complete -c pdstation -l name -d 'The station' -r
complete -c pdstation -l http -d 'Where browsers connect; a port alone is one of this machine' -r
complete -c pdstation -l socket -d 'The socket of the server [default: PD_SOCKET, or /run/pd/socket]' -r -F
complete -c pdstation -l allow -d 'Who may connect besides this machine, as 10.1.0.0/16; without it this machine alone' -r
complete -c pdstation -l origin -d 'A further name under which browsers reach the page, with https:// or http:// before it' -r
complete -c pdstation -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdstation -s V -l version -d 'Print version'
