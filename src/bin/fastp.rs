fn main() -> std::process::ExitCode {
    spoolsuite::fastp::run_main(spoolsuite::spool::open_for_process)
}
