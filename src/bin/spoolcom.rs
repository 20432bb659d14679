fn main() -> std::process::ExitCode {
    spoolsuite::commands::shell::with_process(spoolsuite::commands::spoolcom::run_process)
}
