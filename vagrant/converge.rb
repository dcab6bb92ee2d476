# What Vagrant does besides starting machines: at the end of a command that brought machines up, one ansible-playbook
# configures all that are up, in parallel. Vagrant's own Ansible provisioner would run once for each machine, and calls
# ansible-playbook with an option that ansible-core 2.23 no longer has.

require "etc"
require "json"
require "vagrant/util/subprocess"

module Lab
  # Machines that this command brought up, and that wait to be configured.
  ARRIVED = Queue.new

  class ProvisionerConfig < Vagrant.plugin("2", :config)
    # A script that tells a machine who it is: Vagrant's own way takes twenty steps, a minute where they are emulated.
    attr_accessor :introduction
  end

  class Provisioner < Vagrant.plugin("2", :provisioner)
    def provision
      ARRIVED << @machine # before anything can fail: whatever fails here is done again by the next `vagrant up`
      @machine.communicate.sudo(@config.introduction) if @config.introduction
      @machine.ui.info("Up; configured when all are.")
    end
  end

  # The inventory layer .vagrant/lab.yml: which machines there are and how each is reached. Ansible and lbcheck read it
  # after inventory/lab.
  class Layer
    SSH = %w[-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR].freeze # as Vagrant's own

    def initialize(env)
      @env = env
      @path = env.local_data_path.join("lab.yml")
    end

    attr_reader :path

    # The machines that have been made, running or not: a machine that was halted is missed.
    def made
      @env.active_machines.select { |name, _| @env.machine_names.include?(name) }
    end

    # Says anew how each machine is reached; returns the names of those that are.
    def write
      machines = made.to_h { |name, provider| [name.to_s, variables(@env.machine(name, provider))] }
      save(machines)
      machines.reject { |_, own| own["ansible_host"].nil? }.keys
    end

    # Drops the machines that are no more.
    def prune
      return unless @path.exist?
      known = YAML.safe_load(@path.read).fetch("machines")
      kept = known.slice(*made.map { |name, _| name.to_s })
      save(kept) if kept.keys != known.keys
    end

    private

    def save(machines)
      return @path.exist? && @path.delete if machines.empty?
      text = YAML.dump({ "plugin" => "vagrant_layer", "machines" => machines })
      @path.write("# How the virtual machines are reached. Written by Vagrant (vagrant/converge.rb).\n#{text}")
    end

    def variables(machine)
      found = { "ansible_connection" => "ssh", "ansible_become" => true }
      # A public box has not all packages in it.
      found["cluster_update_cache"] = true unless ENV.fetch("LAB_BOX", "").empty? && machine.provider_name == :libvirt
      info = machine.ssh_info or return found
      found.merge(
        "ansible_host" => info[:host], "ansible_port" => info[:port].to_i, "ansible_user" => info[:username],
        "ansible_ssh_private_key_file" => Array(info[:private_key_path]).first.to_s,
        "ansible_ssh_common_args" => SSH.join(" "),
        # One connection for all tasks, and no compression: both cost an emulated machine seconds. A busy one is waited for.
        "ansible_ssh_args" => "-o ControlMaster=auto -o ControlPersist=600", "ansible_ssh_timeout" => 120,
        "ansible_ssh_retries" => 3
      )
    end
  end

  # Runs when a command of Vagrant's has ended, well or not.
  class AtTheEnd
    def initialize(app, env)
      @app = app
      @env = env[:env]
    end

    def call(env)
      @app.call(env)
      return unless @env.local_data_path && @env.root_path
      layer = Layer.new(@env)
      layer.prune
      converge(layer) unless ARRIVED.empty?
    end

    private

    def converge(layer)
      arrived = Array.new(ARRIVED.size) { ARRIVED.pop }.uniq(&:name)
      failed = $! && !$!.is_a?(SystemExit)
      names = layer.write
      return forget(arrived, "not configured, for the command failed") if failed
      run(names, layer) or forget(arrived, "configuring them failed")
    end

    # The next `vagrant up` shall configure them again.
    def forget(machines, why)
      machines.each { |machine| FileUtils.rm_f(machine.data_dir.join("action_provision")) }
      names = machines.map { |machine| machine.name.to_s }.sort.join(", ")
      message = "#{names}: #{why}. `vagrant up` goes on from here; `vagrant provision` configures anew."
      raise Error.new(message) unless $! && !$!.is_a?(SystemExit)
      @env.ui.error("lab: #{message}")
    end

    def run(names, layer)
      playbook = ["ansible-playbook", "-i", "inventory/lab", "-i", layer.path.to_s, "--limit", names.join(","),
                  *ENV.fetch("LAB_PLAYBOOK_OPTIONS", "").split, "ansible/playbooks/site.yml"]
      @env.ui.info("==> all: #{playbook.join(" ")}", bold: true)
      here = { chdir: @env.root_path.to_s }
      # The project's own Ansible first, as in the Makefile.
      path = [@env.root_path.join(".venv/bin"), ENV["PATH"]].join(File::PATH_SEPARATOR)
      Vagrant::Util::Env.with_clean_env do
        system({ "PATH" => path }, *playbook, **here).tap do |ran|
          raise Error.new("ansible-playbook is not installed: `make venv` brings it") if ran.nil?
        end
      end
    end
  end

  class Plugin < Vagrant.plugin("2")
    name "lab"
    description "Configures all machines at once when they are up."
    config(:lab_converge, :provisioner) { ProvisionerConfig }
    provisioner(:lab_converge) { Provisioner }
    action_hook(:lab_at_the_end, :environment_unload) { |hook| hook.append(AtTheEnd) }
  end
end
