COMMENT  The cold start of a small printing room, in the language of SPOOLCOM.
COMMENT  spoolcom --in examples/splconf/splconf.com   builds a whole spool from it; run again, it changes nothing.
COMMENT  The printers' addresses are in the file fastcnfg beside this one: copy it to FASTCNFG in the spool's directory.

/* Two doors by which jobs come in. Jobs lie in the spool's own directory, whatever DATA says. */
COLLECT $S, FILE $SYSTEM.SYSTEM.CSPOOL, DATA $DISK1.PRINT.DAY
COLLECT $S, CPU 0, BACKUP 1, UNIT 4
COLLECT $S1, FILE $SYSTEM.SYSTEM.CSPOOL, DATA $DISK1.PRINT.NIGHT, UNIT %10

/* One print process drives them all. */
PRINT $SPLA, FILE $SYSTEM.SYSTEM.FASTP, CPU 0, PRI 145

/* A line that ends with an ampersand goes on with the next one. */
DEV $LINE, PROCESS $SPLA, PARM %2000, SPEED 600, WIDTH %204, &
    HEADER BATCH, FIFO, ENDFF
DEV $DESK.#A, PROCESS $SPLA, PARM %2000, SPEED 1200, HEADER OFF, EXCLUSIVE OFF !
DEV $DESK.#B, PROCESS $SPLA, PARM %2000, SPEED 1200, HEADER OFF
DEV $BILLS, PROCESS $SPLA, PARM %2000, FORM BILL A5, HEADER OFF, WIDTH 80, TRUNC, PREXLATE OFF
DEV $BILLS, RETRY 10, RESTART ON

/* Where jobs are sent. A group alone is its destination DEFAULT. */
LOC #DEFAULT, DEV $LINE
LOC #DESK.A, DEV $DESK.#A
LOC #DESK.B, DEV $DESK.#B
LOC #BOTH.A, DEV $DESK.#A
LOC #BOTH.B, DEV $DESK.#B
LOC #BOTH, BROADCAST ON
LOC #BILLS, DEV $BILLS
COMMENT  nothing prints here: jobs wait until somebody sends them on
LOC #LATER, DEV

/* What happens to devices and print processes is added to a file, too. */
SPOOLER, ERRLOG $DISK1.PRINT.LOG
SPOOLER, START
LOC, XREF / OUT $DISK1.PRINT.XREF /
EXIT
