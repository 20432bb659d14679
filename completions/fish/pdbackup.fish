# Words that the program knows are asked of it.
function __pdbackup_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdbackup; and command pdbackup --complete fish $before "$current" 2>/dev/null
end
complete -c pdbackup -l restore -d 'Put the backup in the place of the spool'
complete -c pdbackup -l keys -d 'Keep the keys too, without which cards of users are void and encrypted print files cannot be read; keep such a backup as safe as the spool'
complete -c pdbackup -l json -d 'Show what was done as JSON'
complete -c pdbackup -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdbackup -s V -l version -d 'Print version'
complete -c pdbackup -a '(__pdbackup_asked)'
