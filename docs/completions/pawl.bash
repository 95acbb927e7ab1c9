# pawl help --completion bash
_pawl() {
    local word=${COMP_WORDS[COMP_CWORD]} options=
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W 'init check run send signal ls show explain resume approve deny answer resolve cancel dlq retry undo follow verify sql budget breaker schedule backtest serve mock sim bench help version' -- "$word"))
        return
    fi
    case ${COMP_WORDS[1]} in
    init) options='--help --config --json' ;;
    check) options='--help --config --json' ;;
    run) options='--help --config --store --json --key --id --chat --input-json' ;;
    send) options='--help --config --store --json --id --end @last' ;;
    signal) options='--help --config --store --json --key --id --by @last' ;;
    ls) options='--help --config --store --json --all' ;;
    show) options='--help --config --store --json --at @last' ;;
    explain) options='--help --config --store --json @last' ;;
    resume) options='--help --config --store --json --all @last' ;;
    approve) options='--help --config --store --json --id --digest --reason --edit --more --by @last' ;;
    deny) options='--help --config --store --json --id --digest --reason --by @last' ;;
    answer) options='--help --config --store --json --id --digest --reason --by --result --say --take-over @last' ;;
    resolve) options='--help --config --store --json --id --reason --happened --not-happened --stop @last' ;;
    cancel) options='--help --config --store --json --id --reason @last' ;;
    dlq) options='--help --config --store --json --agent --error' ;;
    retry) options='--help --config --store --json --id --all --reason --from --with --agent --error --yes @last' ;;
    undo) options='--help --config --store --json --id --reason --to @last' ;;
    follow) options='--help --config --store --json @last' ;;
    verify) options='--help --config --store --json --head @last' ;;
    sql) options='--help --config --store --json' ;;
    budget) options='--help --config --store --json' ;;
    breaker) options='--help --config --store --json' ;;
    schedule) options='--help --config --store --json --id' ;;
    backtest) options='--help --config --store --json --agent --runs --last --sweep' ;;
    serve) options='--help --config --store --json --listen' ;;
    mock) options='--help --listen --ledger --fault --rate --seed --faults --script --service --answer --api-key --charge --no-forget --webhook-secret --quiet --show-ledger' ;;
    sim) options='--help' ;;
    bench) options='--help' ;;
    help) options='--help --completion' ;;
    version) options='--help --json' ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
}
complete -o default -F _pawl pawl
