complete -c pdlint -s k -l kind -d 'What the files are, where their look does not tell' -r -f -a "script\t'Shell scripts'
attributes\t'Attributes files'
dump\t'What pdls has written of objects, in line style'"
complete -c pdlint -l server -d 'Name of the server in these commands; otherwise as the dump says' -r
complete -c pdlint -s q -l quiet -d 'Only what differs and what lacks something'
complete -c pdlint -l make -d 'Write the commands that make the objects of dumps'
complete -c pdlint -l json -d 'Show the result as JSON'
complete -c pdlint -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdlint -s V -l version -d 'Print version'
