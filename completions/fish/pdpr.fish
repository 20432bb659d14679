# Words that the program knows are asked of it.
function __pdpr_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdpr; and command pdpr --complete fish $before "$current" 2>/dev/null
end
complete -c pdpr -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s d -d 'Destination (-p means the same); without it PDPRINTER names one' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s f -d 'A document; another way to name a file' -r -F
complete -c pdpr -s n -d 'Copies of each document that follows' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s N -d 'How the submitter is told about the job: message (on the terminal), electronic-mail, job-log or none' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s r -d 'Show these attributes of the accepted job: none, brief, verbose, all, or names' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s s -d 'Style of that display: column, doccol or line' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s t -d 'Name of the job; without it the name of its first document' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s x -d 'Attributes, as "name=value name=\'two words\'"' -r -f -a '(__pdpr_asked)'
complete -c pdpr -s X -d 'Read attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpr -s Z -d 'Read flags and arguments from a file, each flag on a line of its own' -r -F
complete -c pdpr -s l -d 'Link to the files instead of copying them; they must stay until they are printed'
complete -c pdpr -l json -d 'Show the accepted job as JSON, with the attributes of -r, or the usual ones'
complete -c pdpr -l wait -d 'Wait until the job has printed (status 0), is held until a person acts (4) or was removed (5); 6: it was accepted, but cannot be asked about'
complete -c pdpr -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpr -s V -l version -d 'Print version'
complete -c pdpr -a '(__pdpr_asked)'
