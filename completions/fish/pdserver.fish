# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pdserver_global_optspecs
    string join \n base= name= socket= listen= fetch-rate= operators= log= h/help V/version
end

function __fish_pdserver_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pdserver_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pdserver_using_subcommand
    set -l cmd (__fish_pdserver_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pdserver -n "__fish_pdserver_needs_command" -l base -d 'The base directory; it belongs to the account of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_needs_command" -l name -d 'The name of the server, if the spool is made now; otherwise the host\'s name' -r
complete -c pdserver -n "__fish_pdserver_needs_command" -l socket -d 'Where users connect' -r -F
complete -c pdserver -n "__fish_pdserver_needs_command" -l listen -d 'Where other machines connect; without it none does' -r -f -a "(__fish_print_hostnames)"
complete -c pdserver -n "__fish_pdserver_needs_command" -l fetch-rate -d 'Octets a second at which each print file of another server is fetched at most, as 500K or 10M' -r
complete -c pdserver -n "__fish_pdserver_needs_command" -l operators -d 'The Unix group whose members are operators' -r
complete -c pdserver -n "__fish_pdserver_needs_command" -l log -d 'The form of the log; without it journal where standard error is that of systemd, and text elsewhere' -r -f -a "text\t'Lines for people, on standard error'
json\t'A JSON object a line, on standard error'
journal\t'Entries with fields in the journal of systemd'"
complete -c pdserver -n "__fish_pdserver_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdserver -n "__fish_pdserver_needs_command" -s V -l version -d 'Print version'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "invite" -d 'Prints a token with which a server, or with --client a person, joins the group; makes the group if there is none'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "join" -d 'Joins a group with a token'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "members" -d 'Lists the members of the group'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "revoke" -d 'Ends a membership at once'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "renew" -d 'Makes a new certificate with a new key'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "leave" -d 'Ends our own membership'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "door" -d 'Makes, shows, drains, starts and deletes doors, where other systems hand in jobs'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pdserver -n "__fish_pdserver_using_subcommand invite" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand invite" -l client -d 'Whether a person is invited'
complete -c pdserver -n "__fish_pdserver_using_subcommand invite" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand join" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand join" -l name -d 'The name of this server, if its spool is made now; it must be that of the token' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand join" -l client -d 'That of a person, in the home directory or where PD_CREDENTIALS says'
complete -c pdserver -n "__fish_pdserver_using_subcommand join" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand members" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand members" -l json -d 'As JSON'
complete -c pdserver -n "__fish_pdserver_using_subcommand members" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand revoke" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand revoke" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand renew" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand renew" -l client -d 'That of a person, in the home directory or where PD_CREDENTIALS says'
complete -c pdserver -n "__fish_pdserver_using_subcommand renew" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand leave" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand leave" -l client -d 'That of a person, in the home directory or where PD_CREDENTIALS says'
complete -c pdserver -n "__fish_pdserver_using_subcommand leave" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "add" -d 'Makes a door; it is open as soon as pdserver runs'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "set" -d 'Changes what is given; what is not given stays'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "list" -d 'Lists the doors'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "show" -d 'Shows what a door is, and what came by it'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "drain" -d 'Has a door take no new jobs; what has begun to arrive arrives'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "start" -d 'Has a door take jobs again'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "delete" -d 'Deletes a door that is drained'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and not __fish_seen_subcommand_from add set list show drain start delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l listen -d 'Where it listens; a port alone is one of this machine, and unix:/PATH a socket (ipp)' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l directory -d 'dir: the directory that it watches' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l to -d 'Where its jobs go: a destination; for lpd and ipp several, and other names for them' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l allow -d 'Who may connect; without it this machine alone' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l trust-users -d 'From where the name of a user is believed: his jobs are those of the user here' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l max-octets -d 'The largest job, as 500M' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l max-connections -d 'Connections at a time [default: 1000]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l max-per-peer -d 'Connections of one address at a time [default: 100]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l rate -d 'Connections of one address in a minute [default: any]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l timeout -d 'Seconds that a sender may be silent [default: 60]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l duplicates -d 'What becomes of a possible duplicate: announce or hold' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l banner -d 'lpd: whether a sender gets a banner if he wants one' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l require-reserved -d 'lpd: whether senders need a port below 1024' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l idle -d 'raw: seconds of silence that end a job; 0 = none do [default: 60]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l end-mark -d 'raw: octets that end a job, as ^XZ or \\\\x04' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l back-channel -d 'raw: whether the first questions of drivers are answered' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l settle -d 'dir: seconds that a closed file must be left alone [default: 2]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l poll -d 'dir: seconds between two looks [default: 30]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l marker -d 'dir: NAME is complete when NAMEMARKER is there, as .ok' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l link -d 'dir: whether files are used where they are, and left there' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l tls -d 'ipp: whether it speaks TLS too, with a certificate of its own making' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l tls-cert -d 'ipp: the file of a certificate with which it speaks TLS, and those of its issuers, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l tls-key -d 'ipp: the file of the key of that certificate, which the account of the server can read' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l dns-sd -d 'Whether its destinations are announced on the local network (DNS-SD), by Avahi' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l pam -d 'ipp: whether people log on over TLS with the password of an account, as PAM knows it' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l client-ca -d 'ipp: the file of the authorities whose certificates let people log on, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l client-crl -d 'ipp: the file of the lists of revoked certificates, one of each authority, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l client-name -d 'ipp: what of a certificate names the user: cn, email or dns [default: cn]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l log-on -d 'ipp: whether people have to log on, where they can: required or optional [default: required]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -l descriptor -d 'What people call it' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l listen -d 'Where it listens; a port alone is one of this machine, and unix:/PATH a socket (ipp)' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l directory -d 'dir: the directory that it watches' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l to -d 'Where its jobs go: a destination; for lpd and ipp several, and other names for them' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l allow -d 'Who may connect; without it this machine alone' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l trust-users -d 'From where the name of a user is believed: his jobs are those of the user here' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l max-octets -d 'The largest job, as 500M' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l max-connections -d 'Connections at a time [default: 1000]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l max-per-peer -d 'Connections of one address at a time [default: 100]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l rate -d 'Connections of one address in a minute [default: any]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l timeout -d 'Seconds that a sender may be silent [default: 60]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l duplicates -d 'What becomes of a possible duplicate: announce or hold' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l banner -d 'lpd: whether a sender gets a banner if he wants one' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l require-reserved -d 'lpd: whether senders need a port below 1024' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l idle -d 'raw: seconds of silence that end a job; 0 = none do [default: 60]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l end-mark -d 'raw: octets that end a job, as ^XZ or \\\\x04' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l back-channel -d 'raw: whether the first questions of drivers are answered' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l settle -d 'dir: seconds that a closed file must be left alone [default: 2]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l poll -d 'dir: seconds between two looks [default: 30]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l marker -d 'dir: NAME is complete when NAMEMARKER is there, as .ok' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l link -d 'dir: whether files are used where they are, and left there' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l tls -d 'ipp: whether it speaks TLS too, with a certificate of its own making' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l tls-cert -d 'ipp: the file of a certificate with which it speaks TLS, and those of its issuers, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l tls-key -d 'ipp: the file of the key of that certificate, which the account of the server can read' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l dns-sd -d 'Whether its destinations are announced on the local network (DNS-SD), by Avahi' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l pam -d 'ipp: whether people log on over TLS with the password of an account, as PAM knows it' -r -f -a "true\t''
false\t''"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l client-ca -d 'ipp: the file of the authorities whose certificates let people log on, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l client-crl -d 'ipp: the file of the lists of revoked certificates, one of each authority, as PEM' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l client-name -d 'ipp: what of a certificate names the user: cn, email or dns [default: cn]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l log-on -d 'ipp: whether people have to log on, where they can: required or optional [default: required]' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -l descriptor -d 'What people call it' -r
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from list" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from list" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from list" -l json -d 'As JSON'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from show" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from show" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from drain" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from drain" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from drain" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from start" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from start" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from delete" -l base -d 'The base directory of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from delete" -l socket -d 'The socket of the server, for operators who do not have its account' -r -F
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "add" -d 'Makes a door; it is open as soon as pdserver runs'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "set" -d 'Changes what is given; what is not given stays'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists the doors'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "show" -d 'Shows what a door is, and what came by it'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "drain" -d 'Has a door take no new jobs; what has begun to arrive arrives'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "start" -d 'Has a door take jobs again'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Deletes a door that is drained'
complete -c pdserver -n "__fish_pdserver_using_subcommand door; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "invite" -d 'Prints a token with which a server, or with --client a person, joins the group; makes the group if there is none'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "join" -d 'Joins a group with a token'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "members" -d 'Lists the members of the group'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "revoke" -d 'Ends a membership at once'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "renew" -d 'Makes a new certificate with a new key'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "leave" -d 'Ends our own membership'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "door" -d 'Makes, shows, drains, starts and deletes doors, where other systems hand in jobs'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave door help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "add" -d 'Makes a door; it is open as soon as pdserver runs'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "set" -d 'Changes what is given; what is not given stays'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "list" -d 'Lists the doors'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "show" -d 'Shows what a door is, and what came by it'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "drain" -d 'Has a door take no new jobs; what has begun to arrive arrives'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "start" -d 'Has a door take jobs again'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and __fish_seen_subcommand_from door" -f -a "delete" -d 'Deletes a door that is drained'
