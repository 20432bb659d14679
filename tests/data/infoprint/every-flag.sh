# Every flag of every command, each form of its arguments, and the exit status that is expected (0 done, 1 failed, 2 not asked
# for rightly). Writes a line for each command that ends otherwise. It runs in an empty directory.

t() {
    want=$1
    shift
    said=$("$@" 2>&1 </dev/null)
    got=$?
    [ $got -eq $want ] || echo "$* ended with $got and not with $want: $said"
}

one() { pdls -g -j -s column -r job-identifier -f "job-name==$1"; }

echo "one" >a.txt
echo "job-comment = hi" >job.att
echo "descriptor = hi" >d.att
echo "message = go" >m.att
echo "requested-attributes = brief" >c.att
printf -- "-d ld\n-t nightly\na.txt\n" >z.in
t 0 startsrv -F -c -l C acme1
t 0 pdcreate -H "$PDBASE" -c queue -g -m made -r brief -s line -x "descriptor=x" -X "$PWD"/d.att acme1:q
t 0 pdcreate -g -m made -r verbose -s column -x "destination-realization=actual associated-queue=q device-uri=null:" -X "$PWD"/d.att acme1:ad
t 0 pdcreate -r none -s doccol -x "destination-realization=logical associated-queue=q" acme1:ld
t 0 pdcreate -r all -x "destination-realization=logical associated-queue=q" acme1:ld2
t 0 pdcreate -c medium acme1:A5
t 0 pdcreate -c initial-value-job acme1:ivj
t 0 pdcreate -c initial-value-document acme1:ivd
for c in auxiliary-sheet resource-context transform server log job document; do t 2 pdcreate -c $c acme1:x; done
t 0 pdenable -H "$PDBASE" -c destination -m go -X "$PWD"/m.att ld
t 0 pdenable -c queue -m go q
t 0 pdenable -c server -m go acme1
t 0 pddisable -c queue -m no q
t 0 pddisable -c server acme1
t 0 pddisable -H "$PDBASE" -c destination -m x -x "message=s" -X "$PWD"/m.att ad
t 2 pdenable -c log acme1:fastp.log
t 2 pddisable -c log acme1:fastp.log
t 0 pdenable ld ad
t 0 pdpause -H "$PDBASE" -c queue -m hm -x "message=y" -X "$PWD"/m.att q
t 0 pdpr -H "$PDBASE" -d ld -f a.txt -l -n 2 -N none -r "job-client-id copy-count" -s line -t name -x "job-comment=x" -X "$PWD"/job.att a.txt
t 0 pdpr -p acme1:ld -Z "$PWD"/z.in
t 0 sh -c 'echo x | pdpr -d ld -'
for m in message email electronic-mail none; do t 0 pdpr -d ld -N $m a.txt; done
t 2 pdpr -d ld -m x a.txt
t 2 pdpr -d ld -g a.txt
t 0 pdls -H "$PDBASE" -c job -f "job-priority==50" -F -g -j -r all -s column -U -x "headings=false" -X "$PWD"/c.att 1
t 0 pdls -c destination -A -r brief -s column ld; for s in column doccol line; do t 0 pdls -s $s -r brief 1; done
for r in none brief verbose archive all "brief,copy-count" "job-name copy-count"; do t 0 pdls -r "$r" 1; done
t 2 pdls -r all-device -c destination ad
for c in job document destination queue server log medium initial-value-job initial-value-document; do t 0 pdls -c $c
t 0 pdls -c $c -r all acme1:
t 0 pdls -c $c -r archive '*:'; done
t 0 pdq -H "$PDBASE" -f "job-priority==50" -d ld -F -g -j -r brief -s column -U -x "style=column" -X "$PWD"/c.att
t 0 pdq -p acme1:ld
t 0 pdq 1 1.1
t 0 pdmod -H "$PDBASE" -g -m msg -n 3 -r "job-name copy-count" -s line -t new -x "job-comment=z" -X "$PWD"/job.att 1
t 0 pdmod -x "job-hold=true" 1
t 0 pdset -H "$PDBASE" -c job -g -m msg -r "job-name" -s line -x "job-comment=z" -X "$PWD"/job.att 1
t 0 pdset -c destination -m x -x "descriptor=b" ld
t 0 pdset -c queue -x "descriptor=b" q
t 0 pdset -c server -x "descriptor=b" acme1
t 0 pdset -c medium -x "descriptor=b" acme1:A5
t 0 pdset -c initial-value-job -x "job-priority=4" acme1:ivj
t 0 pdset -c initial-value-document -x "copy-count=4" acme1:ivd
t 2 pdset -c log -x "descriptor=b" acme1:fastp.log
t 0 pdpromote -H "$PDBASE" -m go -x "message=go" -X "$PWD"/m.att 2
t 0 pdpause -c job -m go -x "message=go" -X "$PWD"/m.att -w now 2
t 2 pdpause -c job -w after-current-copy 2
t 0 pdresume -H "$PDBASE" -c job -m go -x "message=go" -X "$PWD"/m.att 2
t 0 pdresume -c queue -m go q
t 0 pdpause -c queue q
t 0 pdpause -c destination -m go -w now ad
t 0 pdresume -c destination ad
t 0 pdpause -w after-current-job ad
t 0 pdresume ad
t 1 pdpause -j -m x ad
t 1 pdpause -j -w now ad
t 2 pdpause -w after-current-copy ad
t 2 pdpause -n ad
t 0 pdpause -c server -m go -w now acme1
t 0 pdresume -c server -m go acme1
t 0 pdpause -c server -w after-current-job acme1
t 0 pdresume -c server -m go acme1
t 0 pdpause -c queue q
for i in 1 2; do t 0 pdpr -d ld -t r$i a.txt; done
G2=$(one r1)
G3=$(one r2)
t 0 pdreorder -H "$PDBASE" -a $G3 -m x -x "message=x" -X "$PWD"/m.att $G2
t 0 pdreorder -b acme1:${G3#acme1:} $G2
t 0 pdreorder -p acme1:ad $G2
t 0 pdreorder -s acme1 $G2
t 0 pdreorder -u acme1 $G2
t 0 pdcreate -x "destination-realization=logical associated-queue=q" acme1:ld3
t 0 pdenable ld3
t 0 pdresubmit -H "$PDBASE" -c job -g -i -r "job-name job-identifier" -s line -x "requested-attributes=job-name" -X "$PWD"/c.att ld3 $G2
t 0 pdresubmit -c queue ld q
t 0 pdresubmit -c destination acme1:ld3 ld
t 0 pdresubmit ld $G2 $G3
t 0 pdrm -H "$PDBASE" -m bye -r 0 -x "message=x" -X "$PWD"/m.att $G2
t 0 pdrm -r 0:10 $G3
t 0 pdrm -r 0 $G3
t 0 pddeviceop -H "$PDBASE" -c destination -m x -t offline -x "message=x" -X "$PWD"/m.att ad
t 0 pddeviceop -t online ad
t 0 pddeviceop -t reset ad
t 1 pddeviceop -t lock-op-panel ad
t 1 pddeviceop -t unlock-op-panel ad
t 0 pddeviceop -x "device-operation-type=online" ad
t 0 pdclean -H "$PDBASE" -c destination -m x -x "message=x" -X "$PWD"/m.att ld
t 0 pdclean -c queue q
t 0 pdclean -c server acme1
t 0 pdshutdown -H "$PDBASE" -c destination -m x -x "message=x" -X "$PWD"/m.att -s ad
t 0 pdshutdown -c destination -s -n ad
t 2 pdshutdown -c destination -n ad
t 0 pdenable ad
t 0 pdshutdown -c destination ad
t 0 pddelete -H "$PDBASE" -c destination -m x -x "message=x" -X "$PWD"/m.att ld3
t 0 pddisable ld
t 0 pddelete -c medium acme1:A5
t 0 pddelete -c initial-value-job acme1:ivj
t 0 pddelete -c initial-value-document acme1:ivd
t 1 pddelete -c server acme1; for c in auxiliary-sheet resource-context transform log document; do t 2 pddelete -c $c acme1:x; done
t 0 pdenable ad ld
t 0 pdresume -c queue q
t 0 pdpause -c queue q
t 0 pdpr -d ld -t last a.txt
J=$(one last)
t 0 pddelete -c job -m x -r 0:10 -x "message=x" $J
t 0 pddelete -c job -r 0 $J
t 2 pddelete -c destination -r 0 ad
t 0 pdmsg 5010-304
t 0 pdcrdflt -c acme1
t 0 pdshutdown -c server -m x -w after-current acme1
t 0 startsrv acme1
t 0 pdshutdown -w now acme1
t 0 startsrv -F acme1
t 0 pdresume -c queue q
t 0 pdshutdown -w after-all acme1
t 0 startsrv acme1
t 2 startsrv -p 6874 acme1
t 0 startsrv '-?'
for p in pdpr pdls pdq pdmod pdset pdrm pdresubmit pdreorder pdpromote pdpause pdresume pdenable pddisable pdcreate pddelete pdclean pdshutdown pddeviceop; do t 0 $p -h
t 0 $p -h -r nonsense; done
