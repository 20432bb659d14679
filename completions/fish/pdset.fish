# Words that the program knows are asked of it.
function __pdset_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdset; and command pdset --complete fish $before "$current" 2>/dev/null
end
complete -c pdset -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdset_asked)'
complete -c pdset -s c -d 'Class of the objects; without -c it is destination' -r -f -a '(__pdset_asked)'
complete -c pdset -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdset_asked)'
complete -c pdset -s r -d 'Show these attributes of the objects: none, brief, verbose, all, or names' -r -f -a '(__pdset_asked)'
complete -c pdset -s s -d 'Style of that display: column or line' -r -f -a '(__pdset_asked)'
complete -c pdset -s x -d 'Attributes, as "job-priority=30 job-name=\'two words\'"' -r -f -a '(__pdset_asked)'
complete -c pdset -s X -d 'Read attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdset -l guest -d 'With --card: it is a guest card, good for so many hours' -r -f -a '(__pdset_asked)'
complete -c pdset -s g -d 'No headings, no labels in what -r shows'
complete -c pdset -l pin -d 'With -c user: sets the PIN with which the users log on at stations. It is read from standard input, or asked for at a terminal'
complete -c pdset -l no-pin -d 'With -c user: takes the PIN from the users'
complete -c pdset -l card -d 'With -c user: gives the user a card with which he logs on at stations. Its number is read from standard input, or asked for at a terminal'
complete -c pdset -l no-card -d 'With -c user: takes a card from the user. Its number is read as that of --card'
complete -c pdset -l no-cards -d 'With -c user: takes all cards from the users'
complete -c pdset -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdset -s V -l version -d 'Print version'
complete -c pdset -f -a '(__pdset_asked)'
