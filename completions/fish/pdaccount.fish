# Words that the program knows are asked of it.
function __pdaccount_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdaccount; and command pdaccount --complete fish $before "$current" 2>/dev/null
end
complete -c pdaccount -s b -l by -d 'What one line sums: user, destination, day, month, year, all; several with commas' -r -f -a '(__pdaccount_asked)'
complete -c pdaccount -s u -l user -d 'Only jobs of this owner, as user or user@host; may be given several times' -r -f -a '(__pdaccount_asked)'
complete -c pdaccount -s d -l destination -d 'Only jobs that this destination has printed; may be given several times' -r -f -a '(__pdaccount_asked)'
complete -c pdaccount -s f -l from -d 'Only jobs that were completed then or later, as 2026-11-28 or \'14:00:00 11/28/26\'' -r -f -a '(__pdaccount_asked)'
complete -c pdaccount -s t -l to -d 'Only jobs that were completed before' -r -f -a '(__pdaccount_asked)'
complete -c pdaccount -s r -l records -d 'Write the records themselves, as they stand in the logs'
complete -c pdaccount -s g -d 'No headings and no line with the sum of all'
complete -c pdaccount -l json -d 'Show the result as JSON'
complete -c pdaccount -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdaccount -s V -l version -d 'Print version'
complete -c pdaccount -a '(__pdaccount_asked)'
