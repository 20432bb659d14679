# Words that the program knows are asked of it.
function __startsrv_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q startsrv; and command startsrv --complete fish $before "$current" 2>/dev/null
end
complete -c startsrv -s l -d 'Language of its messages: C, POSIX, and those that begin with en' -r -f -a '(__startsrv_asked)'
complete -c startsrv -s p -d 'Port of the server: refused, because pdserver is told its own' -r -f -a '(__startsrv_asked)'
complete -c startsrv -s c -d 'Make the server alone, without default objects'
complete -c startsrv -s F -d 'Make the server without asking'
complete -c startsrv -s ? -d 'Show this help, as -h does'
complete -c startsrv -s h -l help -d 'Print help (see more with \'--help\')'
complete -c startsrv -s V -l version -d 'Print version'
complete -c startsrv -f -a '(__startsrv_asked)'
