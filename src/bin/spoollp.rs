fn main() -> std::process::ExitCode {
    spoolsuite::commands::lp::main()
}
