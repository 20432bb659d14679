complete -c pdaccount -s b -l by -d 'What one line sums: user, destination, day, month, year, all; several with commas' -r -f -a "user\t'The owner without the host'
owner\t'The owner as the record has it'
destination\t'The actual destination'
day\t'The day of its end'
month\t'The month of its end'
year\t'The year of its end'
all\t'Nothing: one line for all'"
complete -c pdaccount -s u -l user -d 'Only jobs of this owner, as user or user@host; may be given several times' -r
complete -c pdaccount -s d -l destination -d 'Only jobs that this destination has printed; may be given several times' -r
complete -c pdaccount -s f -l from -d 'Only jobs that were completed then or later, as 2026-11-28 or \'14:00:00 11/28/26\'' -r
complete -c pdaccount -s t -l to -d 'Only jobs that were completed before' -r
complete -c pdaccount -s r -l records -d 'Write the records themselves, as they stand in the logs'
complete -c pdaccount -s g -d 'No headings and no line with the sum of all'
complete -c pdaccount -l json -d 'Show the result as JSON'
complete -c pdaccount -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdaccount -s V -l version -d 'Print version'
