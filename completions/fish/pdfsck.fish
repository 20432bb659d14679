# Words that the program knows are asked of it.
function __pdfsck_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdfsck; and command pdfsck --complete fish $before "$current" 2>/dev/null
end
complete -c pdfsck -l repair -d 'Mend what can be mended'
complete -c pdfsck -l accept -d 'Take a restored spool for what it is: what no job knows may be erased again'
complete -c pdfsck -l json -d 'Show the result as JSON'
complete -c pdfsck -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdfsck -s V -l version -d 'Print version'
complete -c pdfsck -f -a '(__pdfsck_asked)'
