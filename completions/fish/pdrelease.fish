# Words that the program knows are asked of it.
function __pdrelease_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdrelease; and command pdrelease --complete fish $before "$current" 2>/dev/null
end
complete -c pdrelease -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdrelease_asked)'
complete -c pdrelease -l station -d 'The station; otherwise PD_STATION, or the only one that there is' -r -f -a '(__pdrelease_asked)'
complete -c pdrelease -s p -l printer -d 'The printer, one of the station' -r -f -a '(__pdrelease_asked)'
complete -c pdrelease -s a -l all -d 'Release all of them that can be released here'
complete -c pdrelease -l delete -d 'Remove the jobs that are named instead of releasing them'
complete -c pdrelease -l history -d 'Show what was released, printed, removed and refused of your jobs, oldest first'
complete -c pdrelease -l json -d 'Show the result as JSON'
complete -c pdrelease -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdrelease -s V -l version -d 'Print version'
complete -c pdrelease -f -a '(__pdrelease_asked)'
