# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pdserver_global_optspecs
    string join \n base= name= socket= listen= operators= h/help V/version
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
complete -c pdserver -n "__fish_pdserver_needs_command" -l operators -d 'The Unix group whose members are operators' -r
complete -c pdserver -n "__fish_pdserver_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdserver -n "__fish_pdserver_needs_command" -s V -l version -d 'Print version'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "invite" -d 'Prints a token with which a server, or with --client a person, joins the group; makes the group if there is none'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "join" -d 'Joins a group with a token'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "members" -d 'Lists the members of the group'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "revoke" -d 'Ends a membership at once'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "renew" -d 'Makes a new certificate with a new key'
complete -c pdserver -n "__fish_pdserver_needs_command" -f -a "leave" -d 'Ends our own membership'
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
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "invite" -d 'Prints a token with which a server, or with --client a person, joins the group; makes the group if there is none'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "join" -d 'Joins a group with a token'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "members" -d 'Lists the members of the group'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "revoke" -d 'Ends a membership at once'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "renew" -d 'Makes a new certificate with a new key'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "leave" -d 'Ends our own membership'
complete -c pdserver -n "__fish_pdserver_using_subcommand help; and not __fish_seen_subcommand_from invite join members revoke renew leave help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
