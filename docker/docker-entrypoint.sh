#!/bin/sh
# What the image does: the first word is a verb, the rest belongs to it.  Without one it is `webserver`.
#
#   webserver                    answer requests (yetictl api)
#   webserver-prod               the same, by as many processes as there are processors, four at most
#   tasks                        run exports when they are due (yetictl tasks)
#   serve                        both in one process
#   upgrade-db, migrate          bring the database to the schema of this version
#   create-user NAME PASSWORD [--admin]
#   reset-password NAME PASSWORD
#   toggle-user NAME, toggle-admin NAME
#   envshell                     a shell in here
#   tasks-beat, events-tasks     nothing: tasks does that too
#
# Services bring the database to the schema of this version first, unless YETI_UPGRADE=no.
# Anything else is a command, such as `yetictl export list`.
set -eu

say() {
  echo "docker-entrypoint: $*" >&2
}

fail() {
  say "$@"
  exit 1
}

# A folder that cannot be written is found now, and not when the first export is published.
check_folder() {
  [ -d "$1" ] || mkdir -p "$1" 2>/dev/null || fail "$1 cannot be made by $(id -u):$(id -g), as which this runs;" \
    "on the host: mkdir -p FOLDER && chown $(id -u):$(id -g) FOLDER, for the folder that is mounted there"
  [ -w "$1" ] && [ -x "$1" ] || fail "$1 cannot be written by $(id -u):$(id -g), as which this runs;" \
    "on the host: chown -R $(id -u):$(id -g) FOLDER, for the folder that is mounted there, or use a named volume"
}

# Prints where exports and versions go, wherever that is set: in variables, in files that they name, in yeti.conf.
places() {
  yetictl config show --json | python -c '
import json, sys
for item in json.load(sys.stdin)["settings"]:
    if item["name"] in ("system.export_path", "system.versions_path"):
        print(item["value"])
'
}

# What is wrong with settings the service says itself; here the variables have to do then.
check_folders() {
  check_folder "$YETI_HOME"
  found=$(places 2>/dev/null) || found="${YETI_SYSTEM_EXPORT_PATH:-$YETI_HOME/exports}
${YETI_SYSTEM_VERSIONS_PATH:-$YETI_HOME/versions}"
  while IFS= read -r place; do
    case $place in
      *://*) ;;
      *) check_folder "$place" ;;
    esac
  done <<EOF
$found
EOF
}

# A database on a server is brought to the schema of this version by the first container that begins, and the others
# wait; a file is whenever it is opened.  What is wrong with it the service says itself.
upgrade() {
  [ "${YETI_UPGRADE:-yes}" = no ] || yetictl db upgrade >/dev/null || :
}

# Prints one field of a user, as `true` or `false`, or its text.
user_field() {
  yetictl user list --json | python -c '
import json, sys
name, field = sys.argv[1:]
found = [item[field] for item in json.load(sys.stdin) if item["name"] == name]
sys.exit(f"docker-entrypoint: there is no user {name!r}") if not found else print(str(found[0]).lower())
' "$1" "$2"
}

create_user() {
  [ $# -ge 2 ] && [ $# -le 3 ] || fail "create-user NAME PASSWORD [--admin]"
  role=editor
  if [ $# -eq 3 ]; then
    [ "$3" = --admin ] || fail "create-user NAME PASSWORD [--admin], not $3"
    role=admin
  fi
  said=$(printf '%s\n' "$2" | yetictl user add "$1" --role "$role" --password-stdin 2>&1) || {
    printf '%s\n' "$said" >&2
    fail "the user $1 was not made"
  }
  key=$(yetictl user token "$1" 2>/dev/null) || fail "the user $1 was made and has no key; type: yetictl user token $1"
  # What reads this looks for these very words.
  echo "User $1 succesfully created! API key: $1:$key"
}

reset_password() {
  [ $# -eq 2 ] || fail "reset-password NAME PASSWORD"
  printf '%s\n' "$2" | yetictl user password "$1" --password-stdin
}

toggle_user() {
  [ $# -eq 1 ] || fail "toggle-user NAME"
  enabled=$(user_field "$1" enabled)
  if [ "$enabled" = true ]; then yetictl user disable "$1"; else yetictl user enable "$1"; fi
}

toggle_admin() {
  [ $# -eq 1 ] || fail "toggle-admin NAME"
  role=$(user_field "$1" role)
  if [ "$role" = admin ]; then yetictl user role "$1" editor; else yetictl user role "$1" admin; fi
}

# For a compose file that has a service of that name: it would begin it again and again if this ended.
do_nothing() {
  trap 'kill "${!:-}" 2>/dev/null || :; exit 0' TERM INT
  say "$1: there is nothing to do for it, since tasks keeps schedules and does what follows from events;" \
    "the service can be taken out of the compose file"
  while :; do
    sleep 3600 &
    wait $! || :
  done
}

verb=${1:-webserver}
[ $# -eq 0 ] || shift
case $verb in
  webserver)
    check_folders
    upgrade
    exec yetictl api "$@"
    ;;
  webserver-prod)
    check_folders
    upgrade
    processors=$(nproc)
    [ "$processors" -le 4 ] || processors=4
    exec yetictl api --processes "${YETI_API_PROCESSES:-$processors}" "$@"
    ;;
  tasks)
    check_folders
    upgrade
    exec yetictl tasks "$@"
    ;;
  serve)
    check_folders
    upgrade
    exec yetictl serve "$@"
    ;;
  tasks-beat | events-tasks) do_nothing "$verb" ;;
  upgrade-db | migrate | migrate-arangodb) exec yetictl db upgrade "$@" ;;
  create-user) create_user "$@" ;;
  reset-password) reset_password "$@" ;;
  toggle-user) toggle_user "$@" ;;
  toggle-admin) toggle_admin "$@" ;;
  envshell) exec bash "$@" ;;
  *) exec "$verb" "$@" ;;
esac
