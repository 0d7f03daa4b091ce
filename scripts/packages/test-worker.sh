# shellcheck shell=sh disable=SC2154
# the package upkeep-worker and the tarball: package-test.sh. sourced, never run.

try_tarball() {
    tarball=$(find "$packages" -name 'upkeep-worker-*.tar.gz')
    case $tarball in
        *-musl.tar.gz) say "the tarball, where nothing else is" ;;
        *)
            note "not tried: the tarball has no static programs, as musl was not there when it was built"
            return 0
            ;;
    esac
    mkdir -p "$root_of_it/empty"
    tar -C "$root_of_it/empty" --strip-components=1 -xzf "$tarball"
    # a root with nothing in it: what runs there needs no library of the system
    fact "its programs run without any library of the system" chroot "$root_of_it/empty" /bin/upkeep-worker --version
    fact "so does upkeepctl" chroot "$root_of_it/empty" /bin/upkeepctl --version
    fact "it says what its programs link" grep -q 'The programs link' "$root_of_it/empty/share/doc/upkeep-worker/README"
    rm -rf "$root_of_it/empty"
}

install_worker() {
    there dpkg -i /packages/worker.deb >>"$log" 2>&1 || die "dpkg -i failed" "see $log"
    fact "it is installed" in_it 'dpkg -s upkeep-worker | grep -qx "Status: install ok installed"'
    fact "the files are what the package says" there dpkg --verify upkeep-worker
    fact "the user upkeep is there, and cannot log in" in_it 'getent passwd upkeep | grep -q :/usr/sbin/nologin$'
    fact "its folder is its own alone" in_it '[ "$(stat -c %U:%G:%a /var/lib/upkeep)" = upkeep:upkeep:700 ]'
    fact "what may hold passwords is root's alone" in_it '[ "$(stat -c %U:%a /etc/upkeep/worker.env /etc/upkeep/server.env | sort -u)" = root:600 ]'
    fact "the configuration files are known as such" in_it 'dpkg -s upkeep-worker | grep -q " /etc/upkeep/worker.env "'
    fact "no unit was enabled" in_it '! find /etc/systemd -name "upkeep*" | grep .'
    fact "the manual and the completions are there" in_it 'cd /usr/share && ls man/man1/upkeepctl-trigger.1.gz \
        man/man1/upkeep-worker-run.1.gz bash-completion/completions/upkeepctl zsh/vendor-completions/_upkeep-worker \
        fish/vendor_completions.d/upkeepctl.fish'
    fact "the licences and the list of parts are there" in_it 'cd /usr/share/doc/upkeep-worker && ls copyright licences.txt.gz sbom.cdx.json install.md'
    # the operator's: a folder to clean, named in the drop-in that the package brings as an example
    in_it 'mkdir -p /etc/systemd/system/upkeep-worker@.service.d /srv/scratch /srv/outside
        cp /usr/share/doc/upkeep-worker/examples/locations.conf /etc/systemd/system/upkeep-worker@.service.d/
        chown upkeep: /srv/scratch /srv/outside'
}

look_at_units() {
    fact "systemd finds nothing wrong with the units and the drop-in" in_it '
        systemd-analyze verify --man=no upkeep-worker@all.service upkeep-server.service 2>/tmp/verify; ! grep . /tmp/verify'
    for unit in upkeep-worker@all.service upkeep-server.service; do
        # kept as of now: more means that a line of the hardening was lost
        in_it "systemd-analyze security --offline=yes --no-pager $unit" >"$place/security-$unit" 2>&1 || true
        score=$(sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p' "$place/security-$unit")
        fact "$unit has an exposure of ${score:-?}, at most 2" awk -v score="${score:-10}" 'BEGIN { exit score > 2 }'
    done
    fact "an instance can be enabled" there systemctl enable upkeep-worker@all
}

# old files of the worker's user in both folders, and one that is not
fill() {
    in_it 'for folder in /srv/scratch /srv/outside; do
        rm -rf $folder/* && mkdir -p $folder/old && for n in 1 2 3; do echo $n >$folder/old/$n.tmp; done
        chown -R upkeep: $folder/old && touch -d "3 days ago" $folder/old/*; done'
}

# trigger LOCATION: a cleanup of it, waited for; its exit code is the task's
trigger() {
    as_user upkeepctl trigger cleanup-temp-files --param max_age_hours=24 --param "locations=[\"$1\"]" --wait --timeout 60s
}
ends_with() {
    code=$1
    shift
    status=0
    "$@" || status=$?
    [ "$status" = "$code" ]
}
files_in() { in_it "find $1 -type f | wc -l"; }

work() {
    cat >"$root_of_it/var/lib/upkeep/config.toml" <<'EOF'
[[locations]]
name = "scratch"
path = "/srv/scratch"
allow_mount_root = true

[[locations]]
name = "outside"
path = "/srv/outside"
EOF
    there chown upkeep: /var/lib/upkeep/config.toml
    fill
    sandboxed upkeep-worker check >"$place/check" 2>&1 || true
    fact "the check in the sandbox accepts the location of the drop-in" grep -q '^ok  *location scratch' "$place/check"
    fact "and names the other one as a problem" grep -q '^problem  *location outside' "$place/check"

    sandboxed upkeep-worker run >"$place/worker.log" 2>&1 &
    worker=$!
    tries=0
    until as_user upkeepctl workers list 2>/dev/null | grep -q idle || [ "$tries" = 40 ]; do
        tries=$((tries + 1))
        sleep 0.5
    done
    fact "the worker runs as the user upkeep" pgrep -u "$(in_it 'id -u upkeep')" -x upkeep-worker

    fact "a cleanup of the location succeeds" ends_with 0 trigger scratch
    fact "its files are gone" test "$(files_in /srv/scratch)" = 0
    fact "a cleanup outside of what may be written ends as partial" ends_with 3 trigger outside
    cp "$place/said" "$place/outside"
    fact "it names each file with the reason" test "$(grep -c '/srv/outside/old/.*mounted read-only' "$place/outside")" -ge 3
    fact "every file is still there" test "$(files_in /srv/outside)" = 3
    fact "a health check finds the system's disk" in_sandbox_sees_the_disk

    kill -TERM "$(pgrep -u "$(in_it 'id -u upkeep')" -x upkeep-worker)"
    fact "the worker stops in good order" wait "$worker"

    # that nothing but the sandbox held it back
    fact "without the sandbox the same user removes the same files" as_user upkeep-worker exec cleanup-temp-files \
        --params '{"max_age_hours":24,"locations":["outside"]}'
    fact "they are gone then" test "$(files_in /srv/outside)" = 0
    in_it 'mkdir /srv/scratch/theirs && touch -d "3 days ago" /srv/scratch/theirs/root.tmp'
    fact "what belongs to others stays, and is told as partial" ends_with 3 sandboxed upkeep-worker exec \
        cleanup-temp-files --params '{"max_age_hours":24,"locations":["scratch"]}'
    fact "and is still there" test "$(files_in /srv/scratch)" = 1
}

in_sandbox_sees_the_disk() {
    as_user upkeepctl trigger health-check --wait --timeout 60s --json >"$place/health" 2>&1 || [ $? = 3 ] || return 1
    cat "$place/health"
    grep -q '"disk:/"' "$place/health"
}

# the server, where this upkeepctl has one
serve() {
    sandboxed upkeepctl serve --no-worker --port 7471 >"$place/server.log" 2>&1 &
    server=$!
    tries=0
    until curl -fsS http://127.0.0.1:7471/livez >/dev/null 2>&1 || [ "$tries" = 40 ]; do
        tries=$((tries + 1))
        sleep 0.5
    done
    fact "the server answers in the sandbox" curl -fsS http://127.0.0.1:7471/readyz
    fact "it has the page" sh -c 'curl -fsS http://127.0.0.1:7471/ | grep -qi "<!doctype html"'
    fact "it lets nobody in without a token" sh -c '[ "$(curl -s -o /dev/null -w "%{http_code}" http://127.0.0.1:7471/api/overview)" = 401 ]'
    fact "its tokens are the user's alone" in_it '[ "$(stat -c %U:%a /var/lib/upkeep/api-token)" = upkeep:600 ]'
    kill -TERM "$(pgrep -u "$(in_it 'id -u upkeep')" -x upkeepctl)"
    fact "the server stops in good order" wait "$server"
}

remove() {
    in_it 'echo "operator" >/srv/scratch/notes; echo mine >/etc/upkeep/server.crt; echo "UPKEEP_LOG_FORMAT=json" >>/etc/upkeep/worker.env'
    there dpkg -r upkeep upkeep-worker >>"$log" 2>&1 || die "dpkg -r failed" "see $log"
    fact "no program is left" in_it '! find /usr /opt -xdev -iname "*upkeep*" | grep .'
    fact "the configuration is kept" in_it 'ls /etc/upkeep/worker.env /etc/upkeep/server.env /var/lib/upkeep/config.toml'
    fact "the history is kept" in_it 'ls /var/lib/upkeep/upkeep.db'
}

purge() {
    there dpkg -P upkeep upkeep-worker >>"$log" 2>&1 || die "dpkg -P failed" "see $log"
    fact "dpkg knows neither" in_it '! dpkg -s upkeep upkeep-worker'
    fact "the package's configuration files and enabled units are gone" in_it '! ls /etc/upkeep/worker.env /etc/systemd/system/multi-user.target.wants/upkeep* 2>/dev/null | grep .'
    fact "the tokens are gone" in_it '[ ! -e /var/lib/upkeep/api-token ]'
    fact "what is the operator's is still there" in_it 'ls /etc/upkeep/server.crt /srv/scratch/notes \
        /etc/systemd/system/upkeep-worker@.service.d/locations.conf /var/lib/upkeep/config.toml /var/lib/upkeep/upkeep.db'
    in_it 'rm -r /etc/upkeep /srv/scratch /srv/outside /etc/systemd/system/upkeep-worker@.service.d'
    inventory >"$place/after"
    # the books of users keep a copy of themselves
    LC_ALL=C comm -13 "$place/before" "$place/after" |
        grep -v '^\./var/lib/upkeep\|^\./etc/\(passwd\|group\|shadow\|gshadow\)-$' >"$place/left" || true
    fact "nothing else is left but data in /var/lib/upkeep" not grep . "$place/left"
}
