complete -c pdpr -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdpr -s d -d 'Destination (-p means the same); without it PDPRINTER names one' -r
complete -c pdpr -s f -d 'A document; another way to name a file' -r -F
complete -c pdpr -s n -d 'Copies of each document that follows' -r
complete -c pdpr -s N -d 'How the submitter is told about the job: only none in this version' -r -f -a "none\t''"
complete -c pdpr -s r -d 'Show these attributes of the accepted job: none, brief, verbose, all, or names' -r -f -a "none\t''
brief\t''
verbose\t''
all\t''
job-client-id\t''
job-identifier\t''
job-name\t''
current-job-state\t''
intervening-jobs\t''
destination-name-requested\t''
destinations-assigned\t''
job-state-reasons\t''
total-job-octets\t''
job-number\t''
user-name\t''
job-owner\t''
job-priority\t''
job-hold\t''
hold-after\t''
form\t''
number-of-documents\t''
job-page-count\t''
creation-time\t''
submission-time\t''
started-printing-time\t''
why\t''
log\t''
outcome\t''
completion-time\t''
document-sequence-number\t''
document-format\t''
document-file-name\t''
copy-count\t''
octet-count\t''
page-count\t''
transfer-method\t''
document-content\t''"
complete -c pdpr -s s -d 'Style of that display: column, doccol or line' -r -f -a "column\t''
doccol\t''
line\t''"
complete -c pdpr -s t -d 'Name of the job; without it the name of its first document' -r
complete -c pdpr -s x -d 'Attributes, as "name=value name=\'two words\'"' -r
complete -c pdpr -s X -d 'Read attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpr -s Z -d 'Read flags and arguments from a file, each flag on a line of its own' -r -F
complete -c pdpr -s l -d 'Link to the files instead of copying them; they must stay until they are printed'
complete -c pdpr -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpr -s V -l version -d 'Print version'
